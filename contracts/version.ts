/**
 * Version of the node contracts (NC-7), sent in every handoff envelope and readiness answer.
 * Adding optional fields leaves it alone.
 */
export const CONTRACT_VERSION = 1;
