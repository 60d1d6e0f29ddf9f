#include "lib/dmsg/directory_carrier.hpp"

namespace visor::dmsg {

Call Directory::FetchCarrier::ask(Question question, Asked done) {
  return http::ask(host_,
                   {.method = std::move(question.method),
                    .url = base_ + question.path,
                    .body = std::move(question.body),
                    .timeout_ms = options_.timeout_ms,
                    .max_body = options_.max_body},
                   [done = std::move(done)](Result<http::Answer> answer) {
                     if (!answer) return done(std::unexpected(unreachable(answer.error())));
                     done(Directory::Answer{answer->status, std::move(answer->body)});
                   });
}

}  // namespace visor::dmsg
