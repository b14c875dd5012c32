/** The library that speaks to SOCKS proxies; the build makes one file of it and what it needs. */
export { SocksClient } from 'socks'
