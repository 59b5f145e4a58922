/**
 * Plain values and bytes as JSON, with the type that says so.
 *
 * @module
 */
export { asJson, asJsonObject, jsonFromBytes } from "./as_json.ts";
