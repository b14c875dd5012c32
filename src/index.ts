/** The public names of `vouch`. */

import type { AuthInit as AuthInitOf, Auth as AuthOf, AuthTarget } from './auth/auth.ts'
import { HTTPBasicAuth, HTTPProxyAuth } from './auth/auth.ts'
import { HTTPDigestAuth } from './auth/digest.ts'
import { delete_, explain, fetch, get, head, options, patch, post, put, request } from './client/api.ts'
import { tlsOptions, trustedAgent } from './client/other-clients.ts'
import { PreparedRequest } from './client/prepared-request.ts'
import { Request } from './client/request.ts'
import { Response } from './client/response.ts'
import { Session } from './client/session.ts'
import * as errors from './core/errors.ts'
import { checkNodeVersion } from './core/node-version.ts'
import { disableWarnings } from './core/warnings.ts'
import { CookieJar } from './http/cookies.ts'
import { HeaderMap } from './http/headers.ts'
import { codes } from './http/status-codes.ts'
import { caStats } from './transport/ca-stats.ts'
import { HTTPAdapter } from './transport/http-adapter.ts'
import { CABundle } from './trust/ca-bundle.ts'

export type { DataInit } from './body/encode.ts'
export type { FileContent, FileSpec, FilesInit, PartHeaders } from './body/multipart.ts'
export type { ExplainOptions } from './client/explain.ts'
export type { HooksInit } from './client/hooks.ts'
export type { TlsOptionsInit, TrustedAgentOptions, TrustedTlsOptions } from './client/other-clients.ts'
export type { ResponseHook } from './client/prepared-request.ts'
export type { SessionOptions } from './client/session-options.ts'
export type { RequestOptions, SendOptions, TimeoutInit } from './client/settings.ts'
export {
  CABundleError,
  type CertificateFileErrorOptions,
  ChunkedEncodingError,
  ClientCertError,
  ConnectionError,
  ConnectTimeout,
  ContentDecodingError,
  HTTPError,
  InvalidHeader,
  InvalidJSONError,
  InvalidProxyURL,
  InvalidSchema,
  InvalidURL,
  JSONDecodeError,
  MissingSchema,
  ProxyError,
  ReadTimeout,
  RequestException,
  type RequestExceptionOptions,
  RetryError,
  SSLError,
  type SSLErrorOptions,
  type SSLErrorReason,
  StreamConsumedError,
  Timeout,
  TooManyRedirects,
  UnrewindableBodyError,
  URLRequired,
} from './core/errors.ts'
export type { TrustInfo, TrustSource } from './core/trust-info.ts'
export type { WarningName } from './core/warnings.ts'
export type { Explanation } from './diagnose/explanation.ts'
export type { CookieAttributes, CookiesInit } from './http/cookies.ts'
export type { HeadersInit, HeaderValue } from './http/headers.ts'
export type { ParamsInit } from './http/url.ts'
export type {
  Adapter,
  AdapterResponse,
  SendSettings,
  TimeoutLimits,
  WireBody,
  WireRequest,
} from './transport/adapter.ts'
export type { CAStats } from './transport/ca-stats.ts'
export type { ConnectToInit } from './transport/connect-to.ts'
export type { HTTPAdapterOptions } from './transport/http-adapter.ts'
export type { Progress } from './transport/progress.ts'
export type { ProxiesInit, ProxyServer } from './transport/proxies.ts'
export type { MaxRetries, RetryInit } from './transport/retry-policy.ts'
export type { TlsInfo } from './transport/tls-info.ts'
export type { TrustSourceInput } from './trust/ca-bundle.ts'
export type { ClientCert, ClientCertSource, FileInput } from './trust/client-cert.ts'
export type { TrustEvent } from './trust/events.ts'
export type { Trust, Verify } from './trust/verify.ts'
export type { CertificateInfo } from './x509/certificate-info.ts'
export {
  CABundle,
  CookieJar,
  caStats,
  codes,
  delete_ as delete,
  disableWarnings,
  explain,
  fetch,
  get,
  HeaderMap,
  HTTPAdapter,
  HTTPBasicAuth,
  HTTPDigestAuth,
  HTTPProxyAuth,
  head,
  options,
  PreparedRequest,
  patch,
  post,
  put,
  Request,
  Response,
  request,
  Session,
  tlsOptions,
  trustedAgent,
}

/** An object that adds credentials to a request, and may respond to a challenge of the server. */
export type Auth<T extends AuthTarget = PreparedRequest> = AuthOf<T>

/** The values of the option `auth`. */
export type AuthInit<T extends AuthTarget = PreparedRequest> = AuthInitOf<T>

/** The default export has the same names as members, for code in the style of `requests.get(…)`. */
const requests = {
  ...errors,
  CABundle,
  CookieJar,
  caStats,
  codes,
  delete: delete_,
  disableWarnings,
  explain,
  fetch,
  get,
  HeaderMap,
  HTTPAdapter,
  HTTPBasicAuth,
  HTTPDigestAuth,
  HTTPProxyAuth,
  head,
  options,
  PreparedRequest,
  patch,
  post,
  put,
  Request,
  Response,
  request,
  Session,
  tlsOptions,
  trustedAgent,
}

checkNodeVersion()

export default requests
