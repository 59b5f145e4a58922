import { applyVCluster } from "./chapters/apply_vcluster.ts";
import { crashService } from "./chapters/crash_service.ts";
import { drift } from "./chapters/drift.ts";
import { fleetByMcp } from "./chapters/fleet_by_mcp.ts";
import { history } from "./chapters/history.ts";
import { journalOutage } from "./chapters/journal_outage.ts";
import { promoteChange } from "./chapters/promote_change.ts";
import { startCluster } from "./chapters/start_cluster.ts";
import type { Chapter } from "./tour.ts";

/** The tour, in order; each chapter goes on from where the one before ended. */
export const CHAPTERS: readonly Chapter[] = [
  startCluster,
  applyVCluster,
  crashService,
  drift,
  promoteChange,
  history,
  fleetByMcp,
  journalOutage,
];
