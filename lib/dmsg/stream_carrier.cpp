#include "lib/dmsg/directory_carrier.hpp"

namespace visor::dmsg {

Call Directory::StreamCarrier::ask(Question question, Asked done) {
  return http::ask_over(host_, open_,
                        {.method = std::move(question.method),
                         .url = "http://" + to_hex(to_.key) + ":" + std::to_string(to_.port) + question.path,
                         .body = std::move(question.body),
                         .timeout_ms = options_.timeout_ms,
                         .max_body = options_.max_body},
                        [done = std::move(done)](Result<http::Answer> answer) {
                          if (!answer) return done(std::unexpected(unreachable(answer.error())));
                          done(Directory::Answer{answer->status, std::move(answer->body)});
                        });
}

}  // namespace visor::dmsg
