"""Health checks in Lua for the kinds that Argo CD has none for: without one, a broken object counts as healthy.

Argo CD 3.5 runs them under gopher-lua (Lua 5.1) without os, io and string; the tests run them under LuaJIT.
States: Seldon Core 1.17.1, operator/apis/machinelearning.seldon.io/v1/seldon_deployment_status.go.
"""

SELDON_DEPLOYMENT = """\
local hs = {status = "Progressing", message = "waiting for the Seldon operator"}
if obj.status ~= nil and obj.status.state ~= nil then
  hs.message = obj.status.description or obj.status.state
  if obj.status.state == "Available" then
    hs.status = "Healthy"
  elseif obj.status.state == "Failed" then
    hs.status = "Degraded"
  end
end
return hs
"""

CHECKS: tuple[tuple[str, str], ...] = (("machinelearning.seldon.io_SeldonDeployment", SELDON_DEPLOYMENT),)
