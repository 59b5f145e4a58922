package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"

	"golang.org/x/net/http2"
)

// grpcClient shares its connection with others, as gRPC's own clients do.
type grpcClient struct {
	connection *http2.ClientConn
	url        string
	header     http.Header
	writes     *writes
}

// openGRPC opens a connection for every perConnection clients.
func openGRPC(writes *writes, perConnection int) opener {
	transport := &http2.Transport{AllowHTTP: true, DisableCompression: true}
	var shared *http2.ClientConn
	var endpointOfShared string
	users := 0
	return func(_ int, endpoint string) (client, error) {
		if shared == nil || users == perConnection || endpointOfShared != endpoint {
			connection, err := net.Dial("tcp", endpoint)
			if err != nil {
				return nil, err
			}
			if shared, err = transport.NewClientConn(connection); err != nil {
				return nil, err
			}
			endpointOfShared, users = endpoint, 0
		}
		users++
		header := http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
		if writes.token != "" {
			header.Set("Authorization", "Bearer "+writes.token)
		}
		return &grpcClient{
			connection: shared,
			url:        "http://" + endpoint + writes.grpcPath,
			header:     header,
			writes:     writes,
		}, nil
	}
}

func (client *grpcClient) write(number uint64) error {
	message := client.writes.protobuf(number)
	frame := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	frame = append(frame, message...)
	request, err := http.NewRequest("POST", client.url, bytes.NewReader(frame))
	if err != nil {
		return err
	}
	request.Header = client.header
	response, err := client.connection.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	status := response.Trailer.Get("grpc-status")
	if status == "" {
		status = response.Header.Get("grpc-status")
	}
	if response.StatusCode != 200 || status != "0" {
		return fmt.Errorf("status %d, grpc-status %q: %s%s", response.StatusCode, status,
			response.Trailer.Get("grpc-message"), response.Header.Get("grpc-message"))
	}
	return nil
}
