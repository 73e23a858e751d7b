//! What writes into ZooKeeper, and what the level forbids of it: less than its name says (`meta/server_state.cpp`;
//! `blind.*` of the golden data).

use migrator::pegasus::frame::Request;
use migrator::pegasus::messages::{AppInfo, PartitionConfig};
use migrator::pegasus::metadata::StoredApp;
use migrator::pegasus::record::{Value, decode_body};
use migrator::pegasus::types::{AppStatus, ErrorCode, HostPort, Level};

use super::{Answered, body, refusal};
use crate::json;
use crate::load::empty_partition;
use crate::records::{
    AddBackupPolicyRequest, AddDuplicationReply, AddDuplicationRequest, CreateAppReply, CreateAppRequest, DropAppReply,
    DropAppRequest, HintReply, RecallAppReply, RecallAppRequest, Refusal, RenameAppRequest, SetIdempotentReply,
    SetIdempotentRequest, SetReplicasReply, SetReplicasRequest, StartBulkLoadRequest, UpdateConfigReply,
    UpdateConfigRequest, UpdateEnvRequest,
};
use crate::server::{Server, now};

const FREEZED: &str = "ERR_STATE_FREEZED";
const FREEZED_HINT: &str = "current meta function level is freezed, since there are too few alive nodes";
const NOT_THERE: &str = "ERR_APP_NOT_EXIST";
/// `app_env_operation`.
const ENV_SET: i32 = 1;
const ENV_DELETE: i32 = 2;
/// `pc_flags::dropped`.
const DROPPED: i32 = 1;

pub(super) async fn answer(server: &Server, request: &Request) -> Answered {
    match request.rpc.as_str() {
        "RPC_CM_CREATE_APP" => lead(server, request, async |asked| Some(create(server, asked).await)).await,
        "RPC_CM_DROP_APP" => lead(server, request, async |asked| drop_app(server, &asked).await).await,
        "RPC_CM_RENAME_APP" => lead(server, request, async |asked| Some(rename(server, asked).await)).await,
        "RPC_CM_RECALL_APP" => lead(server, request, async |asked| Some(recall(server, asked).await)).await,
        "RPC_CM_UPDATE_APP_ENV" => lead(server, request, async |asked| Some(envs(server, asked).await)).await,
        "RPC_CM_SET_MAX_REPLICA_COUNT" => {
            lead(server, request, async |asked| Some(replicas(server, &asked).await)).await
        }
        "RPC_CM_SET_ATOMIC_IDEMPOTENT" => {
            lead(server, request, async |asked| Some(idempotent(server, &asked).await)).await
        }
        "RPC_CM_UPDATE_PARTITION_CONFIGURATION" => {
            lead(server, request, async |asked| Some(configuration(server, asked).await)).await
        }
        "RPC_CM_ADD_DUPLICATION" => lead(server, request, async |asked| Some(duplicate(server, asked).await)).await,
        "RPC_CM_ADD_BACKUP_POLICY" => lead(server, request, async |asked| Some(backup(server, &asked).await)).await,
        "RPC_CM_START_BULK_LOAD" => lead(server, request, async |asked| Some(bulk_load(server, &asked).await)).await,
        _ => Answered::NoHandler,
    }
}

/// The reply to a write that only the primary does, one after the other; none: it is never answered.
async fn lead<Q: Value, A: Value + Refusal>(
    server: &Server,
    request: &Request,
    act: impl AsyncFnOnce(Q) -> Option<A>,
) -> Answered {
    if let Some(err) = refusal(server) {
        return body(&A::refuse(err));
    }
    let Ok(asked) = decode_body(&request.body) else { return Answered::Never };
    let _one = server.writing.lock().await;
    act(asked).await.map_or(Answered::Never, |reply| body(&reply))
}

fn is_freezed(server: &Server) -> bool {
    server.effective_level() <= Level::Freezed.number()
}

fn available(server: &Server, name: &str) -> Option<StoredApp> {
    server.state().available(name).cloned()
}

async fn create(server: &Server, asked: CreateAppRequest) -> CreateAppReply {
    let done = |appid| CreateAppReply { err: ErrorCode::OK.into(), appid };
    if is_freezed(server) {
        return CreateAppReply::refuse(FREEZED);
    }
    if let Some(app) = available(server, &asked.app_name) {
        return if asked.options.success_if_exist {
            done(app.info.app_id)
        } else {
            CreateAppReply::refuse("ERR_APP_EXIST")
        };
    }
    let app_id = server.state().apps.keys().max().copied().unwrap_or_default() + 1;
    let info = AppInfo {
        status: AppStatus::Available,
        app_type: asked.options.app_type,
        app_name: asked.app_name,
        app_id,
        partition_count: asked.options.partition_count,
        envs: asked.options.envs,
        is_stateful: asked.options.is_stateful,
        max_replica_count: asked.options.replica_count,
        create_second: now(),
        duplicating: Some(false),
        init_partition_count: asked.options.partition_count,
        is_bulk_loading: Some(false),
        atomic_idempotent: Some(asked.options.atomic_idempotent.unwrap_or_default()),
        ..AppInfo::default()
    };
    let path = server.path(&format!("apps/{app_id}"));
    server.keeper().create(&path, &json::app(&info, AppStatus::Available)).await;
    let mut app = StoredApp { info, ..StoredApp::default() };
    for index in 0..app.info.partition_count {
        let config = empty_partition(&app.info, index);
        server.keeper().create(&format!("{path}/{index}"), &json::partition(&config)).await;
        app.partitions.insert(index, config);
    }
    server.state().apps.insert(app_id, app);
    done(app_id)
}

/// In blind the table is written as dropped, its partitions never are, and there is no answer (`:1967-1986`).
async fn drop_app(server: &Server, asked: &DropAppRequest) -> Option<DropAppReply> {
    let Some(mut app) = available(server, &asked.app_name) else {
        let err = if asked.options.success_if_not_exist { ErrorCode::OK } else { NOT_THERE };
        return Some(DropAppReply::refuse(err));
    };
    app.info.drop_second = now();
    let reserve = asked.options.reserve_seconds.filter(|seconds| *seconds > 0).unwrap_or(server.settings.hold_seconds);
    app.info.expire_second = app.info.drop_second + reserve;
    app.info.status = AppStatus::Dropping;
    server.write_app(app.info.clone(), AppStatus::Dropped).await;
    if server.effective_level() <= Level::Blind.number() {
        return None;
    }
    for config in app.partitions.into_values() {
        server.write_partition(dropped(config)).await;
    }
    server.state().change(app.info.app_id, |info| info.status = AppStatus::Dropped);
    Some(DropAppReply::refuse(ErrorCode::OK))
}

/// A dropped partition: its replicas are remembered as the last that were dropped.
fn dropped(mut config: PartitionConfig) -> PartitionConfig {
    config.ballot += 1;
    config.partition_flags |= DROPPED;
    config.last_drops.append(&mut config.secondaries);
    let names = config.hp_last_drops.get_or_insert_default();
    names.append(config.hp_secondaries.get_or_insert_default());
    let (primary, name) = (std::mem::take(&mut config.primary), config.hp_primary.replace(HostPort::default()));
    if let Some(name) = name.filter(HostPort::is_valid) {
        config.last_drops.push(primary);
        names.push(name);
    }
    config
}

async fn rename(server: &Server, asked: RenameAppRequest) -> HintReply {
    if available(server, &asked.new_app_name).is_some() {
        let hint = format!("ERROR: app({}) already exist!", asked.new_app_name);
        return HintReply { hint, ..HintReply::refuse("ERR_INVALID_PARAMETERS") };
    }
    let Some(mut app) = available(server, &asked.old_app_name) else {
        let hint = format!("ERROR: app({}) not exist!", asked.old_app_name);
        return HintReply { hint, ..HintReply::refuse(NOT_THERE) };
    };
    app.info.app_name = asked.new_app_name;
    server.write_app(app.info, AppStatus::Available).await;
    HintReply::refuse(ErrorCode::OK)
}

async fn recall(server: &Server, asked: RecallAppRequest) -> RecallAppReply {
    let app = server.state().apps.get(&asked.app_id).cloned();
    let Some(mut app) = app.filter(|app| app.info.status != AppStatus::Dropped || app.info.expire_second > now())
    else {
        return RecallAppReply::refuse(NOT_THERE);
    };
    match app.info.status {
        AppStatus::Dropped => {}
        AppStatus::Dropping => return RecallAppReply::refuse("ERR_BUSY_DROPPING"),
        _ => return RecallAppReply::refuse("ERR_APP_EXIST"),
    }
    if !asked.new_app_name.is_empty() {
        app.info.app_name = asked.new_app_name;
    }
    if available(server, &app.info.app_name).is_some() {
        return RecallAppReply::refuse("ERR_INVALID_PARAMETERS");
    }
    app.info.status = AppStatus::Available;
    server.write_app(app.info.clone(), AppStatus::Available).await;
    for mut config in app.partitions.into_values() {
        config.partition_flags &= !DROPPED;
        server.write_partition(config).await;
    }
    RecallAppReply { err: ErrorCode::OK.into(), info: app.info }
}

async fn envs(server: &Server, asked: UpdateEnvRequest) -> HintReply {
    let Some(mut app) = available(server, &asked.app_name) else { return HintReply::refuse(NOT_THERE) };
    let keys = asked.keys.unwrap_or_default();
    match asked.op {
        ENV_SET => app.info.envs.extend(keys.into_iter().zip(asked.values.unwrap_or_default())),
        ENV_DELETE => app.info.envs.retain(|key, _| !keys.contains(key)),
        _ => {
            let prefix = asked.clear_prefix.unwrap_or_default();
            app.info.envs.retain(|key, _| !prefix.is_empty() && !key.starts_with(&format!("{prefix}.")));
        }
    }
    server.write_app(app.info, AppStatus::Available).await;
    HintReply::refuse(ErrorCode::OK)
}

async fn replicas(server: &Server, asked: &SetReplicasRequest) -> SetReplicasReply {
    let Some(mut app) = available(server, &asked.app_name) else { return SetReplicasReply::refuse(NOT_THERE) };
    let old_max_replica_count = app.info.max_replica_count;
    if is_freezed(server) {
        let hint = FREEZED_HINT.to_owned();
        return SetReplicasReply { old_max_replica_count, hint, ..SetReplicasReply::refuse(FREEZED) };
    }
    app.info.max_replica_count = asked.max_replica_count;
    server.write_app(app.info, AppStatus::Available).await;
    for mut config in app.partitions.into_values() {
        config.max_replica_count = asked.max_replica_count;
        config.ballot += 1;
        server.write_partition(config).await;
    }
    SetReplicasReply { old_max_replica_count, ..SetReplicasReply::refuse(ErrorCode::OK) }
}

async fn idempotent(server: &Server, asked: &SetIdempotentRequest) -> SetIdempotentReply {
    let Some(mut app) = available(server, &asked.app_name) else { return SetIdempotentReply::refuse(NOT_THERE) };
    let old_atomic_idempotent = app.info.atomic_idempotent.unwrap_or_default();
    if is_freezed(server) {
        let hint = FREEZED_HINT.to_owned();
        return SetIdempotentReply { old_atomic_idempotent, hint, ..SetIdempotentReply::refuse(FREEZED) };
    }
    app.info.atomic_idempotent = Some(asked.atomic_idempotent);
    server.write_app(app.info, AppStatus::Available).await;
    SetIdempotentReply { old_atomic_idempotent, ..SetIdempotentReply::refuse(ErrorCode::OK) }
}

/// A primary's report: the configuration that it wants.
async fn configuration(server: &Server, asked: UpdateConfigRequest) -> UpdateConfigReply {
    let pid = asked.config.pid;
    let current = server.state().apps.get(&pid.app_id).and_then(|app| app.partitions.get(&pid.index).cloned());
    let Some(current) = current else { return UpdateConfigReply::refuse("ERR_INVALID_PARAMETERS") };
    if is_freezed(server) {
        return UpdateConfigReply { config: current, ..UpdateConfigReply::refuse(FREEZED) };
    }
    if asked.config.ballot != current.ballot + 1 {
        return UpdateConfigReply { config: current, ..UpdateConfigReply::refuse("ERR_INVALID_VERSION") };
    }
    server.write_partition(asked.config.clone()).await;
    UpdateConfigReply { config: asked.config, ..UpdateConfigReply::refuse(ErrorCode::OK) }
}

async fn duplicate(server: &Server, asked: AddDuplicationRequest) -> AddDuplicationReply {
    let Some(app) = available(server, &asked.app_name) else { return AddDuplicationReply::refuse(NOT_THERE) };
    let (appid, dupid) = (app.info.app_id, i32::try_from(now()).unwrap_or(i32::MAX));
    let remote_app_name = asked.remote_app_name.unwrap_or(asked.app_name);
    let remote_replica_count = asked.remote_replica_count.unwrap_or(app.info.max_replica_count);
    let root = server.path(&format!("apps/{appid}/duplication"));
    server.keeper().create(&root, b"").await;
    let status = if asked.is_duplicating_checkpoint == Some(false) { "DS_LOG" } else { "DS_PREPARE" };
    let data = format!(
        "{{\"remote\":\"{}\",\"status\":\"{status}\",\"create_timestamp_ms\":{},\"fail_mode\":\"FAIL_SLOW\",\
         \"remote_app_name\":\"{remote_app_name}\",\"remote_replica_count\":{remote_replica_count}}}",
        asked.remote_cluster_name,
        now() * 1000,
    );
    server.keeper().create(&format!("{root}/{dupid}"), data.as_bytes()).await;
    server.state().change(appid, |info| info.duplicating = Some(true));
    AddDuplicationReply {
        err: ErrorCode::OK.into(),
        appid,
        dupid,
        hint: None,
        remote_app_name: Some(remote_app_name),
        remote_replica_count: Some(remote_replica_count),
    }
}

async fn backup(server: &Server, asked: &AddBackupPolicyRequest) -> HintReply {
    let (hour, minute) = asked.start_time.split_once(':').unwrap_or(("0", "0"));
    let names: Vec<String> = {
        let state = server.state();
        let named = asked.app_ids.iter().filter_map(|id| state.apps.get(id));
        named.map(|app| format!("\"{}\":\"{}\"", app.info.app_id, app.info.app_name)).collect()
    };
    let ids: Vec<String> = asked.app_ids.iter().map(ToString::to_string).collect();
    let data = format!(
        "{{\"policy_name\":\"{}\",\"backup_provider_type\":\"{}\",\"app_ids\":[{}],\"app_names\":{{{}}},\
         \"backup_interval_seconds\":{},\"backup_history_count_to_keep\":{},\"is_disable\":0,\
         \"start_time\":{{\"hour\":{},\"minute\":{}}}}}",
        asked.policy_name,
        asked.backup_provider_type,
        ids.join(","),
        names.join(","),
        asked.backup_interval_seconds,
        asked.backup_history_count_to_keep,
        hour.parse().unwrap_or(0_u8),
        minute.parse().unwrap_or(0_u8),
    );
    server.keeper().create(&server.path(&format!("backup/{}", asked.policy_name)), data.as_bytes()).await;
    HintReply::refuse(ErrorCode::OK)
}

/// Whatever the level was, it is steady then (`meta/meta_bulk_load_service.cpp:156`).
async fn bulk_load(server: &Server, asked: &StartBulkLoadRequest) -> HintReply {
    let Some(mut app) = available(server, &asked.app_name) else { return HintReply::refuse(NOT_THERE) };
    if app.info.is_bulk_loading == Some(true) {
        return HintReply::refuse("ERR_BUSY");
    }
    server.state().level = Level::Steady.number();
    app.info.is_bulk_loading = Some(true);
    server.write_app(app.info.clone(), AppStatus::Available).await;
    server.keeper().create(&server.path(&format!("bulk_load/{}", app.info.app_id)), b"").await;
    HintReply::refuse(ErrorCode::OK)
}
