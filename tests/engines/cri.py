#!/usr/bin/python3
"""cri.py SOCKET: calls of the Container Runtime Interface, one a line of stdin: METHOD FIELD JSON.

The answer is a line "ok N" or "error N", and N lines of text: the FIELD (a.b.c, or "-" for nothing) of the response, or the error.
"""

import json
import os
import subprocess
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

SECONDS = 60


def read_service():
    """The service of cri.proto beside this file, and a function that makes the class of a message."""
    here = os.path.dirname(os.path.abspath(__file__))
    compiled = subprocess.run(["protoc", "--proto_path=" + here, "--descriptor_set_out=/dev/stdout", here + "/cri.proto"],
                              stdout=subprocess.PIPE, check=True).stdout
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(compiled).file:
        pool.Add(file)
    return pool.FindServiceByName("runtime.v1.RuntimeService"), message_factory.MessageFactory(pool).GetPrototype


def call(channel, service, message_class, name, request):
    method = service.methods_by_name[name]
    remote = channel.unary_unary(
        "/%s/%s" % (service.full_name, name),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_class(method.output_type).FromString)
    message = json_format.ParseDict(json.loads(request), message_class(method.input_type)())
    return remote(message, timeout=SECONDS, wait_for_ready=True)


def find(message, path):
    """The value at a.b.c as text; a component that is no field of a message is a key of a JSON text."""
    value = message
    for part in path.split("."):
        if isinstance(value, str):
            value = json.loads(value)
        value = value[part] if hasattr(value, "keys") else getattr(value, part)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def answer(status, text):
    lines = text.rstrip("\n").split("\n")
    print(status, len(lines))
    print("\n".join(lines), flush=True)


def main():
    service, message_class = read_service()
    channel = grpc.insecure_channel("unix://" + sys.argv[1])
    for line in sys.stdin:
        name, field, request = line.split(" ", 2)
        try:
            response = call(channel, service, message_class, name, request)
            answer("ok", "" if field == "-" else find(response, field))
        except grpc.RpcError as error:
            answer("error", "%s: %s" % (error.code().name, error.details()))
        except Exception as error:  # a mistake in the test, which should see it instead of waiting for an answer
            answer("error", repr(error))


main()
