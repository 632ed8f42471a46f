#include "app/processors.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <stdlib.h>

using namespace orggate::app;
namespace fs = std::filesystem;

namespace {

// A file system root with a few files, gone with its owner.
struct Root {
    std::string path;

    explicit Root(const std::map<std::string, std::string>& files)
    {
        std::string name = (fs::temp_directory_path() / "orggate-root-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
        for (const auto& [file, text] : files) {
            fs::create_directories(fs::path(path + file).parent_path());
            std::ofstream(path + file) << text;
        }
    }
    ~Root() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("the quota of either cgroup version counts, rounded up, and the tightest parent binds")
{
    struct Row {
        const char* name;
        std::map<std::string, std::string> files;
        int processors;
    };
    const Row rows[] = {
        {"nothing to read", {}, 0},
        {"v2 without a limit", {{"/sys/fs/cgroup/cpu.max", "max 100000\n"}}, 0},
        {"v2 half a processor", {{"/sys/fs/cgroup/cpu.max", "50000 100000\n"}}, 1},
        {"v2 exactly two", {{"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 2},
        {"v2 two and a bit", {{"/sys/fs/cgroup/cpu.max", "200001 100000\n"}}, 3},
        {"v2 own folder",
            {{"/proc/self/cgroup", "0::/pod/app\n"},
                {"/sys/fs/cgroup/pod/app/cpu.max", "300000 100000\n"}},
            3},
        {"v2 the parent is tighter",
            {{"/proc/self/cgroup", "0::/pod/app\n"},
                {"/sys/fs/cgroup/pod/cpu.max", "100000 100000\n"},
                {"/sys/fs/cgroup/pod/app/cpu.max", "300000 100000\n"}},
            1},
        {"v1 without a limit",
            {{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
                {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
            0},
        {"v1 own folder",
            {{"/proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/pod\n"},
                {"/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", "150000\n"},
                {"/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", "100000\n"}},
            2},
        {"nonsense", {{"/sys/fs/cgroup/cpu.max", "lots of it\n"}}, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Root root(row.files);
        CHECK(quota_processors(root.path) == row.processors);
    }
}

TEST_CASE("there is always one processor")
{
    const std::map<std::string, std::string> tight = {{"/sys/fs/cgroup/cpu.max", "1000 100000\n"}};
    const Root root(tight);
    CHECK(usable_processors(root.path) == 1);
    CHECK(usable_processors("/") >= 1);
}
