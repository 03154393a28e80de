// A program that lists an endpoint in ZooKeeper until it is killed:
//   zookeeper_registrar_process SERVERS PATH HOST:PORT TTL_MS
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "multi_backend/resolver/zookeeper/registrar.h"

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto endpoint = multi_backend::Endpoint::Parse(argv[3]);
  if (!endpoint.ok()) return 2;
  multi_backend::RegistrarOptions options;
  options.ttl = absl::Milliseconds(std::atoi(argv[4]));
  const auto registrar = multi_backend::ZookeeperRegistrar::Make(
      argv[1], argv[2], *endpoint, options);
  if (!registrar.ok()) return 2;
  while (true) pause();
}
