/**
 * Values that must not end up in a log. A door of its own: who only hands a key on need not load
 * what reads certificates.
 *
 * @module
 */

export { SecretPem } from "./secret_pem.ts";
