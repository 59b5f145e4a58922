import { simulatedQuorums } from "./runs.ts";

simulatedQuorums({ runs: 500, members: 3, firstSeed: 1 });
