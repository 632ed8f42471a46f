#include "orggate/limit/local.hpp"

#include <utility>

namespace orggate::limit {

namespace {

class LocalLimiter final : public Limiter {
public:
    explicit LocalLimiter(std::shared_ptr<LocalTable> table) : table_(std::move(table)) {}

    Awaitable<Result<void>> take(
        std::span<const Check> checks, std::span<Decision> decisions, Instant now) override
    {
        co_return table_->take(checks, decisions, now);
    }

    void release(
        std::span<const Check> checks, std::span<const Decision> decisions, Instant) override
    {
        table_->release(checks, decisions);
    }

private:
    std::shared_ptr<LocalTable> table_;
};

}  // namespace

std::unique_ptr<Limiter> make_local_limiter(std::shared_ptr<LocalTable> table)
{
    return std::make_unique<LocalLimiter>(std::move(table));
}

}  // namespace orggate::limit
