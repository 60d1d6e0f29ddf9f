/* How a directory's questions travel.  Private to this room. */
#ifndef VISOR_DMSG_DIRECTORY_CARRIER_HPP
#define VISOR_DMSG_DIRECTORY_CARRIER_HPP
#include "lib/dmsg/directory.hpp"

namespace visor::dmsg {

class Directory::Carrier {
 public:
  virtual ~Carrier() = default;
  /* `done` runs from the loop, not inside the call; never with VISOR_ENOENT, VISOR_EEXIST or VISOR_EINVAL,
   * which are a discovery's to say. */
  virtual Call ask(Question question, Asked done) = 0;

 protected:
  static Error unreachable(Error error) {
    if (error.status == VISOR_ENOENT || error.status == VISOR_EEXIST || error.status == VISOR_EINVAL) {
      error.status = VISOR_EIO;
    }
    error.text = "the discovery cannot be asked: " + error.text;
    return error;
  }
};

class Directory::FetchCarrier final : public Carrier {
 public:
  FetchCarrier(Host host, std::string base, const DirectoryOptions& options)
      : host_(host), base_(std::move(base)), options_(options) {}
  Call ask(Question question, Asked done) override;

 private:
  Host host_;
  std::string base_; /* without a slash at its end */
  DirectoryOptions options_;
};

class Directory::StreamCarrier final : public Carrier {
 public:
  StreamCarrier(Host host, const visor_addr& to, OpenStream open, const DirectoryOptions& options)
      : host_(host), to_(to), open_(std::move(open)), options_(options) {}
  Call ask(Question question, Asked done) override;

 private:
  Host host_;
  visor_addr to_;
  OpenStream open_;
  DirectoryOptions options_;
};

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_DIRECTORY_CARRIER_HPP
