/**
 * Small JSON documents from other people's servers, with bounds on everything.
 *
 * @module
 */
export {
  type DocumentFetch,
  documentFetch,
  type DocumentFetchOptions,
  FetchError,
} from "./document_fetch.ts";
export { isSafeUrl } from "./safe_url.ts";
