package main

import "encoding/binary"

// Just enough protobuf for the requests: fields of length-delimited and varint type.

func appendString(message []byte, field int, value string) []byte {
	return appendBytes(message, field, []byte(value))
}

func appendBytes(message []byte, field int, value []byte) []byte {
	if len(value) == 0 {
		return message
	}
	message = binary.AppendUvarint(message, uint64(field)<<3|2)
	message = binary.AppendUvarint(message, uint64(len(value)))
	return append(message, value...)
}

func appendVarint(message []byte, field int, value uint64) []byte {
	message = binary.AppendUvarint(message, uint64(field)<<3)
	return binary.AppendUvarint(message, value)
}

// grpcFrame puts a message into the frame that gRPC sends it in.
func grpcFrame(message []byte) []byte {
	frame := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	return append(frame, message...)
}
