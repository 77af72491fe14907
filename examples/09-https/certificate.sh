#!/bin/sh
# Makes a certificate that signs itself, to try https with: ./certificate.sh FOLDER [DAYS]
# Its key is for you and for confgen's group (65532, or CONFGEN_GID) alone; giving it to that group takes root.
set -eu
folder=${1:?the folder to put it into}
mkdir -p "$folder"
umask 077
new=$(mktemp -d "$folder/.new.XXXXXX")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "${2:-90}" \
    -subj /CN=shop.localhost -addext "subjectAltName=DNS:shop.localhost,DNS:*.shop.localhost" \
    -keyout "$new/shop.key" -out "$new/shop.crt" 2>/dev/null
chmod 755 "$folder"
chmod 640 "$new/shop.key"
chmod 644 "$new/shop.crt"
chgrp "${CONFGEN_GID:-65532}" "$new/shop.key"
mv "$new/shop.key" "$new/shop.crt" "$folder"
rmdir "$new"
