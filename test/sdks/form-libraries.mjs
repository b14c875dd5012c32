/** The form data of the package formdata-node. */
export { Blob, File, FormData } from 'formdata-node'
export { fileFromPath } from 'formdata-node/file-from-path'
