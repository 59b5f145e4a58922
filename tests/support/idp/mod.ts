/**
 * A real OpenID provider and a browser to log in with.
 *
 * @module
 */
export { FormBrowser, type Page } from "./browser.ts";
export { addressOf, browser, Place } from "./place.ts";
export { openWorkstation, type PactOptions, type Workstation } from "./pact.ts";
export { startProvider, type TestProvider, type TestProviderOptions } from "./provider.ts";
