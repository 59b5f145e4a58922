/** What `pact-journal --help` prints. */
export const USAGE = `pact-journal: the log, the policy and the enrolment of a pact site

Usage:
  pact-journal [OPTIONS]              serve
  pact-journal --check-config         read the configuration, report, exit 0 or 1
  pact-journal init-ca [--out DIR]    make a CA, ca.crt and ca.key, in DIR or
                                      /var/lib/pact/journal/ca
  pact-journal issue-member --id N --host H [--host H2] [--ca-dir DIR] [--out DIR]
                                      make member N's certificate for these names and
                                      addresses: node.crt, node.key and ca.crt, in DIR or
                                      /var/lib/pact/journal/members/N; --domain D, default
                                      'default'; --days N, default 365
  pact-journal member list            show the quorum that a running journal belongs to
  pact-journal member add ID RAFT_HOST:PORT [API_HOST:PORT]
                                      take in a member that gets the log and does not vote yet
  pact-journal member promote ID      let it vote, once it has caught up
  pact-journal member remove ID [--force]
  pact-journal member transfer [ID]   hand leadership over
  pact-journal backup [--out FILE]    write a backup, beside the running journal too;
                                      default below DATA-DIR/backups, - is stdout
  pact-journal verify FILE [--ca CA]  check a backup: archive, hash chain, signatures
  pact-journal restore FILE --force-new-cluster
                                      begin a new cluster from a backup, in an empty
                                      --data-dir; - is stdin, here and in verify
  pact-journal sim [--seed S] [--runs N] [--members M] [--trace FILE]
                                      simulate quorums whose network, disks and clocks fail, and
                                      check that nothing is lost; exit 1 with the seed if so
  pact-journal --version | --help

Options of member (a running journal is asked, by default the one configured on this host):
  --endpoint HOST:PORT   a member's API
  --token-file FILE      a platform admin's token (mode 0600), or PACT_TOKEN
  --ca FILE              what its certificate leads to
  --output text|json

Options (each also in the environment or the file, in this order of precedence):
  --config FILE          PACT_JOURNAL_CONFIG          default /etc/pact/journal.toml
  --node-id N            PACT_JOURNAL_NODE_ID         journal.node_id
  --listen HOST:PORT     PACT_JOURNAL_LISTEN          journal.listen_addr, 0.0.0.0:9443
  --raft-listen H:P      PACT_JOURNAL_RAFT_LISTEN     journal.raft.listen_addr, 0.0.0.0:9444
  --metrics-listen H:P   PACT_JOURNAL_METRICS_LISTEN  telemetry.prometheus_listen, 0.0.0.0:9091
  --data-dir DIR         PACT_JOURNAL_DATA_DIR        journal.data_dir, /var/lib/pact/journal
  --snapshot-dir DIR     PACT_JOURNAL_SNAPSHOT_DIR    journal.snapshot_dir, DATA/snapshots
  --peers ID=HOST:PORT,... PACT_JOURNAL_PEERS         the members and their API ports; in the file
                                                      journal.raft.members = ["ID:HOST:RAFT_PORT"]
  --bootstrap            first start of the first member: makes the cluster of the listed members
  --join                 first start of a member that is not in the list and was added by an admin
  --log-level LEVEL      PACT_LOG_LEVEL               debug, info, warn, error
  --single-node          development: node id 1, short secrets allowed
`;
