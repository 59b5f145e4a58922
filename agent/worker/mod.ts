/** The life of the network worker. */
export { startWorker } from "./worker.ts";
