/** Where the pages of the documentation are for the reader of a message: in the installed package. */

/** @param page its path below `docs`, with an anchor if it has one */
export const documentation = (page: string): string => `node_modules/vouch/docs/${page}`
