#!/bin/bash
# As the official image, as far as the examples need it: an empty /var/lib/mysql gets a database, a user and a root
# password from the environment; then the server runs as the user mysql.
set -eu

initialise() {
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
    local root=${MARIADB_ROOT_PASSWORD:-} database=${MARIADB_DATABASE:-}
    local user=${MARIADB_USER:-} password=${MARIADB_PASSWORD:-}
    {
        echo "FLUSH PRIVILEGES;"
        [ -z "$root" ] || cat <<SQL
ALTER USER root@localhost IDENTIFIED BY '${root//\'/\'\'}';
CREATE USER root@'%' IDENTIFIED BY '${root//\'/\'\'}';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
        [ -z "$database" ] || echo "CREATE DATABASE \`$database\`;"
        [ -z "$user" ] || echo "CREATE USER '$user'@'%' IDENTIFIED BY '${password//\'/\'\'}';"
        [ -z "$user$database" ] || [ -z "$user" ] || [ -z "$database" ] || echo "GRANT ALL ON \`$database\`.* TO '$user'@'%';"
    } | mariadbd --user=mysql --bootstrap
}

case "${1:-}" in
-*) set -- mariadbd "$@" ;;
esac
if [ "${1:-}" = mariadbd ]; then
    [ -d /var/lib/mysql/mysql ] || initialise
    shift
    set -- mariadbd --user=mysql --bind-address=0.0.0.0 --skip-name-resolve "$@"
fi
exec "$@"
