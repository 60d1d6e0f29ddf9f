/**
 * The chat's part of `window.skywireVisor`, under the names that scripts of such pages know:
 *
 *   skychatSend(pk, text[, network])         kept, and sent as soon as it can be; resolves to null
 *   skychatMessages()                        JSON text: [{from, text, ts, out, id, reply_to?}], `from` is the peer, ts in ms; the latest 500
 *   skychatHistory(pk[, limit])              resolves to the same of one peer
 *   skychatDelete(pk, id)                    takes a message of ours back
 *   skychatGroupCreate(name[, mode])         resolves to {id, name, invite}
 *   skychatGroupJoin(link)                   resolves to {id, name}
 *   skychatGroupSend(id, text)               resolves to null
 *   skychatGroupAddMember(id, pk)            resolves to {id, members}: how many they are
 *   skychatGroupList()                       JSON text: [{id, name, mode, role, members, status}]
 *   skychatGroupMessages([id])               JSON text: [{group_id, from, text, ts}], the latest 1000
 *   skychatGroupReplay(id)                   resolves to the same from the history
 *   skychatGroupInvite(id)                   resolves to the link
 *   skychatGroupLeave(id), skychatGroupDelete(id), skychatGroupUnsend(id, path)
 */
const hookRow = ({ peer, text, time_ms: ts, out, id, reply_to: answers, deleted }) => ({ from: peer, text, ts, out, id, ...(answers && { reply_to: answers }), ...(deleted && { deleted }) });
const hookGroupRow = ({ group, from, text, time_ms: ts, path, deleted }) => ({ group_id: group, from, text, ts, path, ...(deleted && { deleted }) });

/** @param {import('./model.js').ChatModel} model */
export function chatHooks(model) {
  const ask = (command, args) => (model.ready ? model.ask(command, args) : Promise.reject(new Error('group chat not ready')));
  const text = (rows) => JSON.stringify(rows);
  return {
    skychatSend: (pk, words, network) => ask('send', { to: pk, text: words, network: network || 'auto', wait_ms: 0 }).then(() => null),
    skychatMessages: () => text(model.ring.map(hookRow)),
    skychatHistory: (pk, limit = 100) => ask('history', { peer: pk, limit }).then((rows) => text(rows.map(hookRow))),
    skychatDelete: (pk, id) => ask('unsend', { peer: pk, id }).then(() => null),
    skychatGroupCreate: (name, mode = 'private') => ask('group_create', { name, mode }).then(({ id, name: given, invite }) => ({ id, name: given, invite })),
    skychatGroupJoin: (link) => ask('group_join', { invite: link }).then(({ id, name }) => ({ id, name })),
    skychatGroupSend: (id, words) => ask('group_send', { group: id, text: words }).then(() => null),
    skychatGroupAddMember: (id, pk) => ask('group_add', { group: id, peer: pk }).then(({ members }) => ({ id, members })),
    skychatGroupList: () => text(model.rooms.filter(({ kind }) => kind === 'group').map(({ group: { id, name, mode, role, members, status } }) => ({ id, name, mode, role, members, status }))),
    skychatGroupMessages: (id) => text(model.groupRing.filter(({ group }) => !id || group === id).map(hookGroupRow)),
    skychatGroupReplay: (id) => ask('group_messages', { group: id, limit: 1000 }).then((rows) => text(rows.map(hookGroupRow))),
    skychatGroupInvite: (id) => ask('group_invite', { group: id }).then(({ invite }) => invite),
    skychatGroupLeave: (id) => ask('group_leave', { group: id }).then(() => null),
    skychatGroupDelete: (id) => ask('group_delete', { group: id }).then(() => null),
    skychatGroupUnsend: (id, path) => ask('group_unsend', { group: id, path }).then(() => null),
  };
}
