// SentMetadata: the metadata that the application has added to a call.
//
// gRPC shows it to interceptors only, and an interceptor costs each batch of a
// call a round trip through its completion queue.  So this reads the private
// member of grpc::ClientContext, which an explicit instantiation may name.
//
// Threads: as grpc::ClientContext, which is not thread-safe.
#ifndef MULTI_BACKEND_PORT_SENT_METADATA_H_
#define MULTI_BACKEND_PORT_SENT_METADATA_H_

#include <map>
#include <string>

#include "grpcpp/client_context.h"

namespace multi_backend {

using ClientMetadata = std::multimap<std::string, std::string>;

namespace internal {

using ClientMetadataMember = ClientMetadata grpc::ClientContext::*;
ClientMetadataMember SentMetadataMember();

template <ClientMetadataMember member>
struct SentMetadataAccess {
  friend ClientMetadataMember SentMetadataMember() { return member; }
};
template struct SentMetadataAccess<
    &grpc::ClientContext::send_initial_metadata_>;

}  // namespace internal

// Complete once the stub has been called.
inline const ClientMetadata& SentMetadata(const grpc::ClientContext& context) {
  return context.*internal::SentMetadataMember();
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_SENT_METADATA_H_
