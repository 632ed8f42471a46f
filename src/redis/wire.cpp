#include "redis/wire.hpp"

#include <hiredis/hiredis.h>

#include <new>
#include <string>
#include <utility>

namespace orggate::redis {

namespace {

// Built with hiredis 0.14 only. From 1.0 on arrays are counted in size_t and RESP3's doubles
// and booleans have functions of their own; that branch follows the 1.2 headers, unbuilt.
#if HIREDIS_MAJOR >= 1
using ElementCount = std::size_t;
#else
using ElementCount = int;
#endif

}  // namespace

// hiredis is given places inside `root` for the values it reads, so a reply costs no
// allocation but its long strings and one per array.
struct Reader::Machine {
    Machine() : reader(redisReaderCreateWithFunctions(&functions()))
    {
        if (reader == nullptr) throw std::bad_alloc();
        reader->privdata = this;
    }
    ~Machine() { redisReaderFree(reader); }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    static redisReplyObjectFunctions& functions();
    static Machine& of(const redisReadTask* task) { return *static_cast<Machine*>(task->privdata); }
    static Reply& place(const redisReadTask* task, Reply::Kind kind);
    static void* make_text(const redisReadTask* task, char* text, std::size_t size);
    static void* make_array(const redisReadTask* task, ElementCount count);
    static void* make_integer(const redisReadTask* task, long long value);
    static void* make_nil(const redisReadTask* task);
    static void keep(void*) {}  // the root owns every value

    // For hiredis to give up: a function that gives null.
    void* refuse(std::string_view why)
    {
        error = why;
        return nullptr;
    }

    redisReader* reader;
    Reply root;
    std::size_t text_size = 0, elements = 0;  // of this reply so far
    std::string error;
};

redisReplyObjectFunctions& Reader::Machine::functions()
{
    static redisReplyObjectFunctions table = [] {
        redisReplyObjectFunctions made{};
        made.createString = &make_text;
        made.createArray = &make_array;
        made.createInteger = &make_integer;
        made.createNil = &make_nil;
        made.freeObject = &keep;
#if HIREDIS_MAJOR >= 1
        made.createDouble = [](const redisReadTask* task, double, char*, std::size_t) {
            return of(task).refuse("not RESP2");
        };
        made.createBool = [](const redisReadTask* task, int) {
            return of(task).refuse("not RESP2");
        };
#endif
        return made;
    }();
    return table;
}

Reply& Reader::Machine::place(const redisReadTask* task, Reply::Kind kind)
{
    Reply* reply = &of(task).root;
    if (task->parent != nullptr)
        reply =
            &static_cast<Reply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
    reply->kind = kind;
    return *reply;
}

void* Reader::Machine::make_text(const redisReadTask* task, char* text, std::size_t size)
{
    Machine& machine = of(task);
    Reply::Kind kind = Reply::Kind::text;
    if (task->type == REDIS_REPLY_STATUS)
        kind = Reply::Kind::status;
    else if (task->type == REDIS_REPLY_ERROR)
        kind = Reply::Kind::error;
    else if (task->type != REDIS_REPLY_STRING)
        return machine.refuse("not RESP2");
    if (size > most_bulk) return machine.refuse("a string is too long");
    machine.text_size += size;
    if (machine.text_size > most_text) return machine.refuse("a reply is too long");
    Reply& reply = place(task, kind);
    reply.text.assign(text, size);
    return &reply;
}

void* Reader::Machine::make_array(const redisReadTask* task, ElementCount count)
{
    Machine& machine = of(task);
    if (task->type != REDIS_REPLY_ARRAY) return machine.refuse("not RESP2");
    int level = 1;
    for (const redisReadTask* above = task->parent; above != nullptr; above = above->parent)
        ++level;
    if (level > most_levels) return machine.refuse("arrays are nested too deep");
    // The count is the server's word: checked before anything is reserved for it.
    const auto wanted = static_cast<std::size_t>(count);
    if (wanted > most_elements - machine.elements) return machine.refuse("an array is too long");
    machine.elements += wanted;
    Reply& reply = place(task, Reply::Kind::array);
    reply.elements.resize(wanted);  // never again: hiredis keeps pointers to them
    return &reply;
}

void* Reader::Machine::make_integer(const redisReadTask* task, long long value)
{
    Reply& reply = place(task, Reply::Kind::integer);
    reply.integer = value;
    return &reply;
}

void* Reader::Machine::make_nil(const redisReadTask* task)
{
    return &place(task, Reply::Kind::nil);
}

Reader::Reader() : machine_(std::make_unique<Machine>()) {}

Reader::~Reader() = default;

void Reader::feed(std::string_view bytes)
{
    Machine& machine = *machine_;
    if (!machine.error.empty()) return;
    // What hiredis itself calls a maximum only trims its buffer when that is empty.
    const std::size_t unread = machine.reader->len - machine.reader->pos;
    if (unread + bytes.size() > most_unread)
        machine.error = "too many bytes for one reply";
    else if (redisReaderFeed(machine.reader, bytes.data(), bytes.size()) != REDIS_OK)
        machine.error = machine.reader->errstr;
}

std::optional<Reply> Reader::next()
{
    Machine& machine = *machine_;
    if (!machine.error.empty()) return std::nullopt;
    void* whole = nullptr;
    if (redisReaderGetReply(machine.reader, &whole) != REDIS_OK) {
        if (machine.error.empty()) machine.error = machine.reader->errstr;
        return std::nullopt;
    }
    if (whole == nullptr) return std::nullopt;
    machine.text_size = machine.elements = 0;
    return std::exchange(machine.root, Reply());
}

std::string_view Reader::error() const
{
    return machine_->error;
}

}  // namespace orggate::redis
