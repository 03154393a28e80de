// InterceptedChannel(): a channel that gRPC's own function makes, with one
// interceptor, as an application does that calls MakeInterceptorFactory().
#ifndef MULTI_BACKEND_TESTS_TESTING_INTERCEPTED_CHANNEL_H_
#define MULTI_BACKEND_TESTS_TESTING_INTERCEPTED_CHANNEL_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_interceptor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace multi_backend {

inline std::shared_ptr<grpc::Channel> InterceptedChannel(
    const std::string& target,
    std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>
        factory,
    const grpc::ChannelArguments& args) {
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(std::move(factory));
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      target, grpc::InsecureChannelCredentials(), args,
      std::move(interceptors));
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_INTERCEPTED_CHANNEL_H_
