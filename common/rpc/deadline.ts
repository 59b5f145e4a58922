/** How long a unary call may take where its caller set no deadline (API-6). */
export const unaryDefaultTimeoutMs = 30_000;
