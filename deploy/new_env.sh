#!/bin/sh
# Secrets for compose.yaml, made here and known to nobody else: `sh deploy/new_env.sh > .env`, once.
set -eu
secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
cat <<END
SECRET_KEY=$(secret)
MONGO_ADMIN_PASSWORD=$(secret)
MONGO_PASSWORD=$(secret)
# How people reach it. Behind a proxy with TLS: https://shop.example, and AVENUE_PROXY_HOPS=2
PUBLIC_BASE_URL=http://localhost:8080
AVENUE_PROXY_HOPS=1
END
