//! The frozen order of fields that the hash depends on.
//!
//! Upstream hashes what Go's `encoding/json` prints for `core/v1` `PodTemplateSpec` and for the canary steps, so the
//! order in which the Go structs declare their fields, and which empty fields Go leaves out, are part of every
//! ReplicaSet's name. The facts below are the field names, order and tags of `k8s.io/api` v0.34.5 (embedded structs
//! flattened) and of the step types of `argoproj.io/v1alpha1`, read once by reflection. They never change: a field that
//! is newer than the table still counts in the hash, after the known ones (decision 20).

#![expect(non_upper_case_globals, reason = "the structs keep the names that Go has for them")]

/// A Go struct: its fields in the order they are printed.
#[derive(Debug)]
pub(super) struct Struct {
    /// Fields, in order.
    pub(super) fields: &'static [Field],
}

/// A field of a [`Struct`].
#[derive(Debug)]
pub(super) struct Field {
    /// Name in JSON.
    pub(super) name: &'static str,
    /// Printed even if empty: no `omitempty`, or a struct by value, which `omitempty` never leaves out.
    pub(super) always: bool,
    /// What it holds.
    pub(super) kind: Kind,
}

/// What a field holds; decides how a value is read, when it is empty, and how it is printed.
#[derive(Debug)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed.
    Int64,
    /// `resource.Quantity`.
    Quantity,
    /// `intstr.IntOrString`.
    IntOrString,
    /// `metav1.Time`.
    Time,
    /// Any JSON, printed as it is.
    Raw,
    /// Present or absent: what is present is printed, even if it is empty.
    Pointer(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// A map with text keys.
    Map(&'static Kind),
    /// A struct by value.
    Object(&'static Struct),
}

macro_rules! kind {
    (string) => { Kind::Text };
    (bool) => { Kind::Bool };
    (int32) => { Kind::Int32 };
    (int64) => { Kind::Int64 };
    (quantity) => { Kind::Quantity };
    (intstr) => { Kind::IntOrString };
    (time) => { Kind::Time };
    (raw) => { Kind::Raw };
    (* $($of:tt)+) => { Kind::Pointer(&kind!($($of)+)) };
    ([] $($of:tt)+) => { Kind::List(&kind!($($of)+)) };
    ({} $($of:tt)+) => { Kind::Map(&kind!($($of)+)) };
    ($name:ident) => { Kind::Object(&$name) };
}

macro_rules! field {
    ($name:ident, ! $($kind:tt)+) => { Field { name: stringify!($name), always: true, kind: kind!($($kind)+) } };
    ($name:ident, $($kind:tt)+) => { Field { name: stringify!($name), always: false, kind: kind!($($kind)+) } };
}

macro_rules! structs {
    ($($name:ident { $($field:ident ( $($kind:tt)+ ))* })*) => {
        $(pub(super) static $name: Struct = Struct { fields: &[$(field!($field, $($kind)+)),*] };)*
    };
}

// One entry per Go struct: `field(type)` in declaration order; `!` is printed even if empty, `*` is a pointer,
// `[]` a list, `{}` a map.
structs! {
    AWSElasticBlockStoreVolumeSource { volumeID(!string) fsType(string) partition(int32) readOnly(bool) }
    Affinity { nodeAffinity(*NodeAffinity) podAffinity(*PodAffinity) podAntiAffinity(*PodAntiAffinity) }
    AnalysisRunArgument { name(!string) value(string) valueFrom(*ArgumentValueFrom) }
    AnalysisRunMetadata { labels({}string) annotations({}string) }
    AnalysisTemplateRef { templateName(!string) clusterScope(*bool) }
    AppArmorProfile { type(!string) localhostProfile(*string) }
    ArgumentValueFrom { podTemplateHashValue(*string) fieldRef(*FieldRef) }
    AzureDiskVolumeSource {
        diskName(!string) diskURI(!string) cachingMode(*string) fsType(*string) readOnly(*bool) kind(*string)
    }
    AzureFileVolumeSource { secretName(!string) shareName(!string) readOnly(bool) }
    CSIVolumeSource {
        driver(!string) readOnly(*bool) fsType(*string) volumeAttributes({}string)
        nodePublishSecretRef(*LocalObjectReference)
    }
    CanaryStep {
        setWeight(*int32) pause(*RolloutPause) experiment(*RolloutExperimentStep) analysis(*RolloutAnalysis)
        setCanaryScale(*SetCanaryScale) setHeaderRoute(*SetHeaderRoute) setMirrorRoute(*SetMirrorRoute)
        plugin(*PluginStep)
    }
    Capabilities { add([]string) drop([]string) }
    CephFSVolumeSource {
        monitors(![]string) path(string) user(string) secretFile(string) secretRef(*LocalObjectReference)
        readOnly(bool)
    }
    CinderVolumeSource { volumeID(!string) fsType(string) readOnly(bool) secretRef(*LocalObjectReference) }
    ClusterTrustBundleProjection {
        name(*string) signerName(*string) labelSelector(*LabelSelector) optional(*bool) path(!string)
    }
    ConfigMapEnvSource { name(string) optional(*bool) }
    ConfigMapKeySelector { name(string) key(!string) optional(*bool) }
    ConfigMapProjection { name(string) items([]KeyToPath) optional(*bool) }
    ConfigMapVolumeSource { name(string) items([]KeyToPath) defaultMode(*int32) optional(*bool) }
    Container {
        name(!string) image(string) command([]string) args([]string) workingDir(string) ports([]ContainerPort)
        envFrom([]EnvFromSource) env([]EnvVar) resources(!ResourceRequirements)
        resizePolicy([]ContainerResizePolicy) restartPolicy(*string)
        restartPolicyRules([]ContainerRestartRule) volumeMounts([]VolumeMount) volumeDevices([]VolumeDevice)
        livenessProbe(*Probe) readinessProbe(*Probe) startupProbe(*Probe) lifecycle(*Lifecycle)
        terminationMessagePath(string) terminationMessagePolicy(string) imagePullPolicy(string)
        securityContext(*SecurityContext) stdin(bool) stdinOnce(bool) tty(bool)
    }
    ContainerPort { name(string) hostPort(int32) containerPort(!int32) protocol(string) hostIP(string) }
    ContainerResizePolicy { resourceName(!string) restartPolicy(!string) }
    ContainerRestartRule { action(string) exitCodes(*ContainerRestartRuleOnExitCodes) }
    ContainerRestartRuleOnExitCodes { operator(string) values([]int32) }
    DownwardAPIProjection { items([]DownwardAPIVolumeFile) }
    DownwardAPIVolumeFile {
        path(!string) fieldRef(*ObjectFieldSelector) resourceFieldRef(*ResourceFieldSelector) mode(*int32)
    }
    DownwardAPIVolumeSource { items([]DownwardAPIVolumeFile) defaultMode(*int32) }
    DryRun { metricName(!string) }
    EmptyDirVolumeSource { medium(string) sizeLimit(*quantity) }
    EnvFromSource { prefix(string) configMapRef(*ConfigMapEnvSource) secretRef(*SecretEnvSource) }
    EnvVar { name(!string) value(string) valueFrom(*EnvVarSource) }
    EnvVarSource {
        fieldRef(*ObjectFieldSelector) resourceFieldRef(*ResourceFieldSelector)
        configMapKeyRef(*ConfigMapKeySelector) secretKeyRef(*SecretKeySelector) fileKeyRef(*FileKeySelector)
    }
    EphemeralContainer {
        name(!string) image(string) command([]string) args([]string) workingDir(string) ports([]ContainerPort)
        envFrom([]EnvFromSource) env([]EnvVar) resources(!ResourceRequirements)
        resizePolicy([]ContainerResizePolicy) restartPolicy(*string)
        restartPolicyRules([]ContainerRestartRule) volumeMounts([]VolumeMount) volumeDevices([]VolumeDevice)
        livenessProbe(*Probe) readinessProbe(*Probe) startupProbe(*Probe) lifecycle(*Lifecycle)
        terminationMessagePath(string) terminationMessagePolicy(string) imagePullPolicy(string)
        securityContext(*SecurityContext) stdin(bool) stdinOnce(bool) tty(bool) targetContainerName(string)
    }
    EphemeralVolumeSource { volumeClaimTemplate(*PersistentVolumeClaimTemplate) }
    ExecAction { command([]string) }
    FCVolumeSource { targetWWNs([]string) lun(*int32) fsType(string) readOnly(bool) wwids([]string) }
    FieldRef { fieldPath(!string) }
    FileKeySelector { volumeName(!string) path(!string) key(!string) optional(*bool) }
    FlexVolumeSource {
        driver(!string) fsType(string) secretRef(*LocalObjectReference) readOnly(bool) options({}string)
    }
    FlockerVolumeSource { datasetName(string) datasetUUID(string) }
    GCEPersistentDiskVolumeSource { pdName(!string) fsType(string) partition(int32) readOnly(bool) }
    GRPCAction { port(!int32) service(!*string) }
    GitRepoVolumeSource { repository(!string) revision(string) directory(string) }
    GlusterfsVolumeSource { endpoints(!string) path(!string) readOnly(bool) }
    HTTPGetAction { path(string) port(!intstr) host(string) scheme(string) httpHeaders([]HTTPHeader) }
    HTTPHeader { name(!string) value(!string) }
    HeaderRoutingMatch { headerName(!string) headerValue(!*StringMatch) }
    HostAlias { ip(!string) hostnames([]string) }
    HostPathVolumeSource { path(!string) type(*string) }
    ISCSIVolumeSource {
        targetPortal(!string) iqn(!string) lun(!int32) iscsiInterface(string) fsType(string) readOnly(bool)
        portals([]string) chapAuthDiscovery(bool) chapAuthSession(bool) secretRef(*LocalObjectReference)
        initiatorName(*string)
    }
    ImageVolumeSource { reference(string) pullPolicy(string) }
    KeyToPath { key(!string) path(!string) mode(*int32) }
    LabelSelector { matchLabels({}string) matchExpressions([]LabelSelectorRequirement) }
    LabelSelectorRequirement { key(!string) operator(!string) values([]string) }
    Lifecycle { postStart(*LifecycleHandler) preStop(*LifecycleHandler) stopSignal(*string) }
    LifecycleHandler { exec(*ExecAction) httpGet(*HTTPGetAction) tcpSocket(*TCPSocketAction) sleep(*SleepAction) }
    LocalObjectReference { name(string) }
    ManagedFieldsEntry {
        manager(string) operation(string) apiVersion(string) time(*time) fieldsType(string) fieldsV1(*raw)
        subresource(string)
    }
    MeasurementRetention { metricName(!string) limit(!int32) }
    NFSVolumeSource { server(!string) path(!string) readOnly(bool) }
    NodeAffinity {
        requiredDuringSchedulingIgnoredDuringExecution(*NodeSelector)
        preferredDuringSchedulingIgnoredDuringExecution([]PreferredSchedulingTerm)
    }
    NodeSelector { nodeSelectorTerms(![]NodeSelectorTerm) }
    NodeSelectorRequirement { key(!string) operator(!string) values([]string) }
    NodeSelectorTerm { matchExpressions([]NodeSelectorRequirement) matchFields([]NodeSelectorRequirement) }
    ObjectFieldSelector { apiVersion(string) fieldPath(!string) }
    ObjectMeta {
        name(string) generateName(string) namespace(string) selfLink(string) uid(string)
        resourceVersion(string) generation(int64) creationTimestamp(time) deletionTimestamp(*time)
        deletionGracePeriodSeconds(*int64) labels({}string) annotations({}string)
        ownerReferences([]OwnerReference) finalizers([]string) managedFields([]ManagedFieldsEntry)
    }
    OwnerReference {
        apiVersion(!string) kind(!string) name(!string) uid(!string) controller(*bool)
        blockOwnerDeletion(*bool)
    }
    PersistentVolumeClaimSpec {
        accessModes([]string) selector(*LabelSelector) resources(!VolumeResourceRequirements)
        volumeName(string) storageClassName(*string) volumeMode(*string)
        dataSource(*TypedLocalObjectReference) dataSourceRef(*TypedObjectReference)
        volumeAttributesClassName(*string)
    }
    PersistentVolumeClaimTemplate { metadata(!ObjectMeta) spec(!PersistentVolumeClaimSpec) }
    PersistentVolumeClaimVolumeSource { claimName(!string) readOnly(bool) }
    PhotonPersistentDiskVolumeSource { pdID(!string) fsType(string) }
    PluginStep { name(!string) config(raw) }
    PodAffinity {
        requiredDuringSchedulingIgnoredDuringExecution([]PodAffinityTerm)
        preferredDuringSchedulingIgnoredDuringExecution([]WeightedPodAffinityTerm)
    }
    PodAffinityTerm {
        labelSelector(*LabelSelector) namespaces([]string) topologyKey(!string)
        namespaceSelector(*LabelSelector) matchLabelKeys([]string) mismatchLabelKeys([]string)
    }
    PodAntiAffinity {
        requiredDuringSchedulingIgnoredDuringExecution([]PodAffinityTerm)
        preferredDuringSchedulingIgnoredDuringExecution([]WeightedPodAffinityTerm)
    }
    PodCertificateProjection {
        signerName(string) keyType(string) maxExpirationSeconds(*int32) credentialBundlePath(string)
        keyPath(string) certificateChainPath(string)
    }
    PodDNSConfig { nameservers([]string) searches([]string) options([]PodDNSConfigOption) }
    PodDNSConfigOption { name(string) value(*string) }
    PodOS { name(!string) }
    PodReadinessGate { conditionType(!string) }
    PodResourceClaim { name(!string) resourceClaimName(*string) resourceClaimTemplateName(*string) }
    PodSchedulingGate { name(!string) }
    PodSecurityContext {
        seLinuxOptions(*SELinuxOptions) windowsOptions(*WindowsSecurityContextOptions) runAsUser(*int64)
        runAsGroup(*int64) runAsNonRoot(*bool) supplementalGroups([]int64) supplementalGroupsPolicy(*string)
        fsGroup(*int64) sysctls([]Sysctl) fsGroupChangePolicy(*string) seccompProfile(*SeccompProfile)
        appArmorProfile(*AppArmorProfile) seLinuxChangePolicy(*string)
    }
    PodSpec {
        volumes([]Volume) initContainers([]Container) containers(![]Container)
        ephemeralContainers([]EphemeralContainer) restartPolicy(string) terminationGracePeriodSeconds(*int64)
        activeDeadlineSeconds(*int64) dnsPolicy(string) nodeSelector({}string) serviceAccountName(string)
        serviceAccount(string) automountServiceAccountToken(*bool) nodeName(string) hostNetwork(bool)
        hostPID(bool) hostIPC(bool) shareProcessNamespace(*bool) securityContext(*PodSecurityContext)
        imagePullSecrets([]LocalObjectReference) hostname(string) subdomain(string) affinity(*Affinity)
        schedulerName(string) tolerations([]Toleration) hostAliases([]HostAlias) priorityClassName(string)
        priority(*int32) dnsConfig(*PodDNSConfig) readinessGates([]PodReadinessGate) runtimeClassName(*string)
        enableServiceLinks(*bool) preemptionPolicy(*string) overhead({}quantity)
        topologySpreadConstraints([]TopologySpreadConstraint) setHostnameAsFQDN(*bool) os(*PodOS)
        hostUsers(*bool) schedulingGates([]PodSchedulingGate) resourceClaims([]PodResourceClaim)
        resources(*ResourceRequirements) hostnameOverride(*string)
    }
    PodTemplateMetadata { labels({}string) annotations({}string) }
    PodTemplateSpec { metadata(!ObjectMeta) spec(!PodSpec) }
    PortworxVolumeSource { volumeID(!string) fsType(string) readOnly(bool) }
    PreferredSchedulingTerm { weight(!int32) preference(!NodeSelectorTerm) }
    Probe {
        exec(*ExecAction) httpGet(*HTTPGetAction) tcpSocket(*TCPSocketAction) grpc(*GRPCAction)
        initialDelaySeconds(int32) timeoutSeconds(int32) periodSeconds(int32) successThreshold(int32)
        failureThreshold(int32) terminationGracePeriodSeconds(*int64)
    }
    ProjectedVolumeSource { sources(![]VolumeProjection) defaultMode(*int32) }
    QuobyteVolumeSource { registry(!string) volume(!string) readOnly(bool) user(string) group(string) tenant(string) }
    RBDVolumeSource {
        monitors(![]string) image(!string) fsType(string) pool(string) user(string) keyring(string)
        secretRef(*LocalObjectReference) readOnly(bool)
    }
    ResourceClaim { name(!string) request(string) }
    ResourceFieldSelector { containerName(string) resource(!string) divisor(!quantity) }
    ResourceRequirements { limits({}quantity) requests({}quantity) claims([]ResourceClaim) }
    RolloutAnalysis {
        templates([]AnalysisTemplateRef) args([]AnalysisRunArgument) dryRun([]DryRun)
        measurementRetention([]MeasurementRetention) analysisRunMetadata(*AnalysisRunMetadata)
    }
    RolloutExperimentStep {
        templates(![]RolloutExperimentTemplate) duration(string)
        analyses([]RolloutExperimentStepAnalysisTemplateRef) dryRun([]DryRun)
        analysisRunMetadata(!AnalysisRunMetadata) scaleDownDelaySeconds(*int32)
    }
    RolloutExperimentStepAnalysisTemplateRef {
        name(!string) templateName(!string) clusterScope(*bool) args([]AnalysisRunArgument)
        requiredForCompletion(bool)
    }
    RolloutExperimentTemplate {
        name(!string) specRef(!string) replicas(*int32) metadata(!PodTemplateMetadata)
        selector(*LabelSelector) weight(*int32) service(*TemplateService)
    }
    RolloutPause { duration(*intstr) }
    RouteMatch { method(*StringMatch) path(*StringMatch) headers({}StringMatch) }
    SELinuxOptions { user(string) role(string) type(string) level(string) }
    ScaleIOVolumeSource {
        gateway(!string) system(!string) secretRef(!*LocalObjectReference) sslEnabled(bool)
        protectionDomain(string) storagePool(string) storageMode(string) volumeName(string) fsType(string)
        readOnly(bool)
    }
    SeccompProfile { type(!string) localhostProfile(*string) }
    SecretEnvSource { name(string) optional(*bool) }
    SecretKeySelector { name(string) key(!string) optional(*bool) }
    SecretProjection { name(string) items([]KeyToPath) optional(*bool) }
    SecretVolumeSource { secretName(string) items([]KeyToPath) defaultMode(*int32) optional(*bool) }
    SecurityContext {
        capabilities(*Capabilities) privileged(*bool) seLinuxOptions(*SELinuxOptions)
        windowsOptions(*WindowsSecurityContextOptions) runAsUser(*int64) runAsGroup(*int64)
        runAsNonRoot(*bool) readOnlyRootFilesystem(*bool) allowPrivilegeEscalation(*bool) procMount(*string)
        seccompProfile(*SeccompProfile) appArmorProfile(*AppArmorProfile)
    }
    ServiceAccountTokenProjection { audience(string) expirationSeconds(*int64) path(!string) }
    SetCanaryScale { weight(*int32) replicas(*int32) matchTrafficWeight(bool) }
    SetHeaderRoute { name(string) match([]HeaderRoutingMatch) }
    SetMirrorRoute { name(!string) match([]RouteMatch) percentage(*int32) }
    SleepAction { seconds(!int64) }
    StorageOSVolumeSource {
        volumeName(string) volumeNamespace(string) fsType(string) readOnly(bool)
        secretRef(*LocalObjectReference)
    }
    StringMatch { exact(string) prefix(string) regex(string) }
    Sysctl { name(!string) value(!string) }
    TCPSocketAction { port(!intstr) host(string) }
    TemplateService { name(string) }
    Toleration { key(string) operator(string) value(string) effect(string) tolerationSeconds(*int64) }
    TopologySpreadConstraint {
        maxSkew(!int32) topologyKey(!string) whenUnsatisfiable(!string) labelSelector(*LabelSelector)
        minDomains(*int32) nodeAffinityPolicy(*string) nodeTaintsPolicy(*string) matchLabelKeys([]string)
    }
    TypedLocalObjectReference { apiGroup(!*string) kind(!string) name(!string) }
    TypedObjectReference { apiGroup(!*string) kind(!string) name(!string) namespace(*string) }
    Volume {
        name(!string) hostPath(*HostPathVolumeSource) emptyDir(*EmptyDirVolumeSource)
        gcePersistentDisk(*GCEPersistentDiskVolumeSource)
        awsElasticBlockStore(*AWSElasticBlockStoreVolumeSource) gitRepo(*GitRepoVolumeSource)
        secret(*SecretVolumeSource) nfs(*NFSVolumeSource) iscsi(*ISCSIVolumeSource)
        glusterfs(*GlusterfsVolumeSource) persistentVolumeClaim(*PersistentVolumeClaimVolumeSource)
        rbd(*RBDVolumeSource) flexVolume(*FlexVolumeSource) cinder(*CinderVolumeSource)
        cephfs(*CephFSVolumeSource) flocker(*FlockerVolumeSource) downwardAPI(*DownwardAPIVolumeSource)
        fc(*FCVolumeSource) azureFile(*AzureFileVolumeSource) configMap(*ConfigMapVolumeSource)
        vsphereVolume(*VsphereVirtualDiskVolumeSource) quobyte(*QuobyteVolumeSource)
        azureDisk(*AzureDiskVolumeSource) photonPersistentDisk(*PhotonPersistentDiskVolumeSource)
        projected(*ProjectedVolumeSource) portworxVolume(*PortworxVolumeSource) scaleIO(*ScaleIOVolumeSource)
        storageos(*StorageOSVolumeSource) csi(*CSIVolumeSource) ephemeral(*EphemeralVolumeSource)
        image(*ImageVolumeSource)
    }
    VolumeDevice { name(!string) devicePath(!string) }
    VolumeMount {
        name(!string) readOnly(bool) recursiveReadOnly(*string) mountPath(!string) subPath(string)
        mountPropagation(*string) subPathExpr(string)
    }
    VolumeProjection {
        secret(*SecretProjection) downwardAPI(*DownwardAPIProjection) configMap(*ConfigMapProjection)
        serviceAccountToken(*ServiceAccountTokenProjection) clusterTrustBundle(*ClusterTrustBundleProjection)
        podCertificate(*PodCertificateProjection)
    }
    VolumeResourceRequirements { limits({}quantity) requests({}quantity) }
    VsphereVirtualDiskVolumeSource {
        volumePath(!string) fsType(string) storagePolicyName(string) storagePolicyID(string)
    }
    WeightedPodAffinityTerm { weight(!int32) podAffinityTerm(!PodAffinityTerm) }
    WindowsSecurityContextOptions {
        gmsaCredentialSpecName(*string) gmsaCredentialSpec(*string) runAsUserName(*string) hostProcess(*bool)
    }
}
