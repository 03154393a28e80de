// Health probes: for HealthCheckedEndpointGroup (endpoint_groups.h), and what
// HTTP probes of a service config's `health.active` need.
//
// gRPC and TCP probes are part of //:core.  HTTP probes need libcurl, so
// MakeHttpProbeFactory(), MakeHttpsProbeFactory() and RegisterHttpProbe() are
// in //probes:http.  A program that links //:multi_backend has them and need
// not call RegisterHttpProbe().  One that links //:core calls it before it
// makes a channel whose service config asks for HTTP probes.  It is idempotent
// and thread-safe.
//
// API of this header: Probe, ProbeFactory, ProbeResult, ProbeIdentity,
// ActiveHealthConfig, ProbeKind; MakeGrpcProbeFactory with GrpcProbeOptions,
// MakeTcpProbeFactory, MakeHttpProbeFactory, MakeHttpsProbeFactory with
// HttpsProbeOptions, and RegisterHttpProbe.
#ifndef MULTI_BACKEND_PROBES_H_
#define MULTI_BACKEND_PROBES_H_

#include "multi_backend/health/grpc/grpc_probe.h"
#include "multi_backend/health/probes/curl/probe.h"
#include "multi_backend/health/probes/curl/registration.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/probes/tcp_probe.h"
#include "multi_backend/proto/config/config.h"

#endif  // MULTI_BACKEND_PROBES_H_
