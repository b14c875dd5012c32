/** The SOCKS library; the build bundles it into one file. */
export { SocksClient } from 'socks'
