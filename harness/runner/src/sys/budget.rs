//! STUB
/// x
pub struct MapBudget;
impl MapBudget {
 /// x
 pub fn now() -> Result<Self, caxton_results::reading::Missing> { Ok(Self) }
 /// x
 pub fn left(&self) -> u64 { 65_000 }
}
