package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// writes says what one write looks like to a target: its path and its body, by number.
type writes struct {
	path     string
	grpcPath string
	token    string
	json     func(number uint64) []byte
	protobuf func(number uint64) []byte
}

func newWrites(target, vcluster, token string, valueBytes int) (*writes, error) {
	// Another name for the keys of every run: all writes create, none replaces.
	name := make([]byte, 6)
	_, _ = rand.Read(name)
	prefix := hex.EncodeToString(name) + "-"
	value := make([]byte, valueBytes)
	for index := range value {
		value[index] = "abcdefghijklmnopqrstuvwxyz0123456789 "[index%37]
	}
	key := func(number uint64) []byte { return strconv.AppendUint([]byte(prefix), number, 10) }
	switch target {
	case "etcd":
		return &writes{
			path:     "/v3/kv/put",
			grpcPath: "/etcdserverpb.KV/Put",
			token:    token,
			json: func(number uint64) []byte {
				body := append([]byte(`{"key":"`), base64.StdEncoding.EncodeToString(key(number))...)
				body = append(body, `","value":"`...)
				body = append(body, base64.StdEncoding.EncodeToString(value)...)
				return append(body, `"}`...)
			},
			protobuf: func(number uint64) []byte {
				return appendBytes(appendBytes(nil, 1, key(number)), 2, value)
			},
		}, nil
	case "pact":
		scope, err := json.Marshal(vcluster)
		if err != nil {
			return nil, err
		}
		// The key makes every message another one, as every commit's is.
		text := func(number uint64) []byte {
			words := append(key(number), ' ')
			return append(words, value[:max(0, len(value)-len(words))]...)
		}
		const commit = 1
		return &writes{
			path:     "/pact.journal.ConfigService/AppendEntry",
			grpcPath: "/pact.journal.ConfigService/AppendEntry",
			token:    token,
			json: func(number uint64) []byte {
				body := append([]byte(`{"entry":{"entryType":"ENTRY_TYPE_COMMIT","scope":{"vclusterId":`), scope...)
				body = append(body, `},"message":"`...)
				body = append(body, text(number)...)
				return append(body, `"}}`...)
			},
			protobuf: func(number uint64) []byte {
				entry := appendVarint(nil, 3, commit)
				entry = appendBytes(entry, 4, appendBytes(nil, 2, []byte(vcluster)))
				entry = appendBytes(entry, 100, text(number))
				return appendBytes(nil, 1, entry)
			},
		}, nil
	default:
		return nil, fmt.Errorf("unknown target %q: etcd or pact", target)
	}
}
