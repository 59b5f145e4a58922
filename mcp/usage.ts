import { VERSION } from "../common/version/mod.ts";

/** What `--version` prints. */
export const versionText = `pact-mcp ${VERSION}`;

/** What `--help` prints. */
export const usageText = `pact-mcp: pact's tools for AI assistants, over standard input and output

Usage:
  pact-mcp                        serve one client; it is started by the assistant's host
  pact-mcp --version | --help

Environment:
  PACT_ENDPOINT          journal, several separated by commas   default http://localhost:9443
  PACT_MCP_TOKEN         token of role pact-service-ai
  PACT_MCP_TOKEN_FILE    file with the token, mode 0600, below /etc/pact
  PACT_CA_FILE           CA to trust                            default /etc/pact/ca.crt if there
  PACT_CA_PEM            the CA itself, where its file cannot be read
  PACT_VCLUSTER          vCluster meant when none is named
  PACT_NODE              node meant when none is named
  PACT_AGENT_ENDPOINT    agent of the node called local         default http://localhost:9445
  PACT_AGENT_ENDPOINTS   other addresses of agents: NODE=ADDRESS, separated by commas
  PACT_MCP_NAME          name of the assistant in audit records default default
  PACT_MCP_READ_ONLY     true: nothing that changes anything    default false
  PACT_MCP_TOOLS         only these tools, separated by commas
  PACT_MCP_MAX_OUTPUT    bytes of text in a result              default 65536
  PACT_MCP_ALLOW_HUMAN_TOKEN  true: take a person's token too   default false
  PACT_LOG               debug, info, warn or error             default warn`;
