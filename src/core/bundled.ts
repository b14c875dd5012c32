/** The libraries of `lazy.ts` as static imports, for bundlers. */
import * as asn1js from 'asn1js'
import * as detector from 'chardet'
import Link from 'http-link-header'
import * as cookies from 'tough-cookie'
import type * as lazy from './lazy.ts'

export const toughCookie: typeof lazy.toughCookie = () => cookies
export const chardet: typeof lazy.chardet = () => detector
export const linkHeader: typeof lazy.linkHeader = () => Link
export const asn1: typeof lazy.asn1 = () => asn1js
