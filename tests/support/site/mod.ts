/**
 * A cluster of real parts on this machine, for tests and for the tour.
 *
 * @module
 */
export { agentArguments, agentProgram } from "./agent_program.ts";
export { answerOf, answerUntil } from "./answers.ts";
export { neutralEnvironment } from "./environment.ts";
export { processesNaming, SITE_VARIABLE } from "./left_over.ts";
export type { Person } from "./people.ts";
export { relocatedPermissions } from "./relocate.ts";
export {
  openSite,
  Site,
  SITE_VCLUSTER,
  type SiteAuthority,
  type SiteJournal,
  type SiteOptions,
  type SiteProgram,
} from "./site.ts";
export type { AgentTuning } from "./settings.ts";
export { seededRandom } from "./seeded_random.ts";
export { mintToken, newTokenSecret } from "./people.ts";
