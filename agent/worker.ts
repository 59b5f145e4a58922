/**
 * The network worker of `pact-agent`: everything that reads bytes from the network or from documents.
 * It runs without ffi, run and write permission and speaks to the core over one port alone.
 */

/// <reference lib="deno.worker" />

import { startWorker } from "./worker/mod.ts";

startWorker(self);
