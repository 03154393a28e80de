// A network namespace of the bench's own, with a loopback interface that no
// other process has, and CutOff, which drops all packets to a port there.
//
// Only the calling thread and what it starts enter a namespace, so main() does
// that first.
#ifndef MULTI_BACKEND_BENCH_PEERS_NAMESPACE_H_
#define MULTI_BACKEND_BENCH_PEERS_NAMESPACE_H_

namespace multi_backend {

// Moves this process, which must have one thread, to a network namespace with a
// loopback interface that is up.  If that is not possible, which it
// is for root only, says so on stderr and returns false.
bool EnterNetworkNamespace();

bool IsInNetworkNamespace();

// Drops the packets to a port of this machine, as a broken network does, from
// construction to destruction.
class CutOff {
 public:
  // Whether this process is in a namespace of its own and has iptables.
  static bool IsPossible();

  explicit CutOff(int port);
  ~CutOff();
  CutOff(const CutOff&) = delete;
  CutOff& operator=(const CutOff&) = delete;

 private:
  const int port_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_NAMESPACE_H_
