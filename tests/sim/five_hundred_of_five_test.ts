import { simulatedQuorums } from "./runs.ts";

simulatedQuorums({ runs: 500, members: 5, firstSeed: 501 });
