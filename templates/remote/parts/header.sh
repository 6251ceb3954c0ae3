# Made by nbssh {{ version|comment }} for profile {{ name|comment }}.
# change: nbssh edit {{ name|comment }}, then nbssh apply {{ name|comment }}
# remove: nbssh remove {{ name|comment }}
{{ seal|verbatim }}

# SC2310, SC2311, SC2312: functions say by their status what they found; `set -e` is only the net below them.
# SC2034, SC2317: the parts are shared, and no script uses all of them.
# shellcheck disable=SC2310,SC2311,SC2312,SC2034,SC2317
