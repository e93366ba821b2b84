#!/bin/sh
# A compiler of today on a C library of 2018, which is Node's own floor.
set -eu
dnf install -y -q cmake findutils gcc-toolset-12-gcc-c++ git libgomp make
echo /opt/rh/gcc-toolset-12/root/usr/bin >>"$GITHUB_PATH"
