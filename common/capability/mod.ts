/** Which part of a capability report is news (CAP-3). */
export { materialText } from "./material.ts";
