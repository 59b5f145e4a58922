import { group, object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { say, word } from "../commands/mod.ts";

/** Options every command takes, before or after its name (CLI-2). */
export const globalOptions = group(
  "Global options",
  object({
    endpoint: optional(option("--endpoint", word("URL"), {
      hidden: "usage",
      description: say("Journal to talk to; several separated by commas."),
    })),
    server: optional(option("--server", word("URL"), {
      hidden: "usage",
      description: say("Journal whose login to use, whatever else is configured."),
    })),
    token: optional(option("--token", word("JWT"), {
      hidden: "usage",
      description: say("Token to send; better put it into PACT_TOKEN or a file."),
    })),
    vcluster: optional(option("--vcluster", word("NAME"), {
      hidden: "usage",
      description: say("vCluster to work on."),
    })),
    output: optional(option("--output", choice(["text", "json"], { metavar: "FORMAT" }), {
      hidden: "usage",
      description: say("text (default) or json."),
    })),
    timeout: optional(option("--timeout", word("SECONDS"), {
      hidden: "usage",
      description: say("How long to wait for an answer; default 30."),
    })),
    ca: optional(option("--ca", word("FILE"), {
      hidden: "usage",
      description: say("Certificates to trust; default /etc/pact/ca.crt if present."),
    })),
    cert: optional(
      option("--cert", word("FILE"), { hidden: "usage", description: say("Client certificate.") }),
    ),
    key: optional(
      option("--key", word("FILE"), { hidden: "usage", description: say("Key of --cert.") }),
    ),
    insecurePlaintext: optional(flag("--insecure-plaintext", {
      hidden: "usage",
      description: say("Send the token even where the connection is not encrypted."),
    })),
    config: optional(option("--config", word("FILE"), {
      hidden: "usage",
      description: say("Configuration file; default ~/.config/pact/cli.toml."),
    })),
    yes: optional(
      flag("-y", "--yes", { hidden: "usage", description: say("Answer yes to confirmations.") }),
    ),
    verbose: multiple(flag("-v", "--verbose", {
      hidden: "usage",
      description: say("Say more about what happens; may be repeated."),
    })),
    noColor: optional(flag("--no-color", { hidden: "usage", description: say("No colours.") })),
  }),
);
