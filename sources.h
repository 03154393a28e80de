// Endpoints from DNS, ZooKeeper and etcd: the targets `dns+addr:`, `dns+srv:`,
// `dns+txt:`, `zookeeper:` and `etcd:`, and groups with options that a target
// cannot state.
//
// Each source is a target of its own, which links the library that it needs:
//
//   //sources:dns        RegisterDns(), DnsAddressEndpointGroup,
//                        DnsServiceEndpointGroup, DnsTextEndpointGroup
//   //sources:zookeeper  RegisterZookeeper(), ZookeeperEndpointGroup
//   //sources:etcd       RegisterEtcd(), EtcdEndpointGroup
//
// Using a name whose target is not linked is an error of the linker.
//
// A program that links //:multi_backend has all sources and need not call the
// functions.  One that links //:core calls them for its targets, at any time
// before it makes the channel, or the registrar, that uses such a target:
//
//   absl::Status status = multi_backend::RegisterZookeeper();
//
// They are idempotent and thread-safe.  The groups need no such call.
//
// API of this header: the functions above; Make() of the groups above, which
// gives an EndpointGroup; DnsSourceOptions, DnsClientOptions, DnsTextMapping,
// ZookeeperSourceOptions, EtcdSourceOptions, EtcdOptions, EndpointPolicy,
// DiscoveryLimits, HostRule, EmptyAnswer, BackoffOptions.
#ifndef MULTI_BACKEND_SOURCES_H_
#define MULTI_BACKEND_SOURCES_H_

#include "multi_backend/resolver/dns/endpoint_group.h"
#include "multi_backend/resolver/dns/registration.h"
#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"
#include "multi_backend/resolver/grpc/etcd/registration.h"
#include "multi_backend/resolver/zookeeper/endpoint_group.h"
#include "multi_backend/resolver/zookeeper/registration.h"

#endif  // MULTI_BACKEND_SOURCES_H_
