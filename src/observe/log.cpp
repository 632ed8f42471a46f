#include "orggate/observe/log.hpp"

#include "observe/log_writer.hpp"

#include <utility>

namespace orggate::observe {

struct Log::Writer : LogWriter {
    using LogWriter::LogWriter;
};

Log::Log(LogOptions options) : writer_(std::make_unique<Writer>(std::move(options))) {}

Log::~Log()
{
    // A thread that hangs in the kernel (a dead network disk) keeps what it uses.
    if (!writer_->stop(Seconds(1))) static_cast<void>(writer_.release());
}

bool Log::is_on(Level level) const
{
    return level >= writer_->options.level;
}

void Log::event(Level level, std::string_view message, std::initializer_list<LogField> fields)
{
    if (is_on(level)) writer_->event(level, message, fields);
}

void Log::access(std::string_view line)
{
    writer_->access(line);
}

void Log::reopen()
{
    writer_->reopen();
}

bool Log::flush(Milliseconds at_most)
{
    return writer_->flush(at_most);
}

std::uint64_t Log::dropped() const
{
    return writer_->dropped();
}

}  // namespace orggate::observe
