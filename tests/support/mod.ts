/**
 * Helpers for tests: waiting, directories, ports, child processes, certificates, a test service.
 *
 * @module
 */

export { CuttableWay } from "./cuttable.ts";
export { EchoService } from "./echo_service.ts";
export { freePort, lastingPort } from "./free_port.ts";
export { needing } from "./needing.ts";
export { needingPeer, peerProgram } from "./peers.ts";
export { maySysAdmin, needingSysAdmin } from "./privilege.ts";
export {
  type AgentScript,
  type JournalScript,
  type RecordedCall,
  type ScriptedServer,
  startScriptedAgent,
  startScriptedJournal,
} from "./scripted_journal.ts";
export {
  type ProgramEnd,
  repositoryRoot,
  runDeno,
  spawnDeno,
  type SpawnDenoOptions,
  type SpawnedDeno,
} from "./spawn_deno.ts";
export { runs } from "./runs.ts";
export { type TempDir, tempDir } from "./temp_dir.ts";
export { type AgentCertificateOptions, createTestPki, type TestPki } from "./test_pki.ts";
export { waitFor, type WaitOptions, within } from "./wait_for.ts";
export { openTestShim, withShim } from "./shim.ts";
