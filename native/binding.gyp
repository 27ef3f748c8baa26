{
  "targets": [
    {
      "target_name": "splicebench",
      "sources": [
        "<!@(find src -name '*.cc' | sort)"
      ],
      "include_dirs": ["src", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": ["-std=c++20", "-O2", "-Wall", "-Wextra", "-fexceptions"],
      "conditions": [
        ["'<!(echo ${SPLICEBENCH_SANITIZE:-})'!=''", {
          "cflags_cc": ["-fsanitize=<!(echo ${SPLICEBENCH_SANITIZE:-none})", "-fno-omit-frame-pointer", "-O1", "-g1"],
          "ldflags": ["-fsanitize=<!(echo ${SPLICEBENCH_SANITIZE:-none})"]
        }]
      ]
    },
    {
      "target_name": "splicebench-calls",
      "type": "loadable_module",
      "sources": ["recorder/journal.cc", "recorder/calls.cc"],
      "cflags_cc!": ["-std=gnu++17"],
      "cflags_cc": [
        "-std=c++20", "-O2", "-Wall", "-Wextra", "-fPIC", "-fno-exceptions", "-fno-rtti",
        "-fno-threadsafe-statics"
      ],
      "ldflags": ["-Wl,--as-needed"]
    }
  ]
}
