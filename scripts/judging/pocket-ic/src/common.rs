//! Values of PocketIC's REST interface, as far as agent-rs's tests name them.

pub mod rest {
    use crate::client::from_base64;
    use candid::Principal;
    use serde_json::Value;

    pub type SubnetId = Principal;

    pub enum CanisterCyclesCostSchedule {
        Free,
        Normal,
    }

    #[derive(Default)]
    pub struct SubnetSpec;

    impl SubnetSpec {
        pub fn with_subnet_admins(self, _admins: Vec<Principal>) -> Self {
            self
        }

        pub fn with_cost_schedule(self, _schedule: CanisterCyclesCostSchedule) -> Self {
            self
        }
    }

    #[derive(Default)]
    pub struct ExtendedSubnetConfigSet {
        pub nns: Option<SubnetSpec>,
        pub cloud_engine: Vec<SubnetSpec>,
    }

    /// The answer of `GET /_/topology`.
    pub struct Topology(pub(crate) Value);

    impl Topology {
        /// The subnets that a test may take for a cloud engine: all that there are.
        pub fn get_cloud_engines(&self) -> Vec<SubnetId> {
            self.subnets().map(|(id, _)| id).collect()
        }

        /// The subnet in whose ranges a canister lies.
        pub fn get_subnet(&self, canister: Principal) -> Option<SubnetId> {
            self.subnets()
                .find(|(_, config)| hosts(config, canister))
                .map(|(id, _)| id)
        }

        pub(crate) fn default_effective_canister_id(&self) -> Principal {
            canister_id(&self.0["default_effective_canister_id"])
        }

        fn subnets(&self) -> impl Iterator<Item = (SubnetId, &Value)> {
            let configs = self.0["subnet_configs"]
                .as_object()
                .expect("subnet_configs is a map");
            configs
                .iter()
                .map(|(id, config)| (Principal::from_text(id).expect("a subnet id"), config))
        }
    }

    fn hosts(config: &Value, canister: Principal) -> bool {
        let ranges = config["canister_ranges"]
            .as_array()
            .expect("canister_ranges is a list");
        ranges.iter().any(|range| {
            (canister_id(&range["start"])..=canister_id(&range["end"])).contains(&canister)
        })
    }

    fn canister_id(value: &Value) -> Principal {
        let text = value["canister_id"].as_str().expect("a canister id");
        Principal::from_slice(&from_base64(text))
    }
}
