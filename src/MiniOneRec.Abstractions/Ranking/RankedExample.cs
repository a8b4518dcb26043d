namespace MiniOneRec.Evaluation;

/// <summary>Holds the ranks of one example's target.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Target">The item that came next.</param>
/// <param name="ItemRank">The target's place among the recommended items, zero-based, or -1: the strict item level.</param>
/// <param name="SidRank">The place of the target's semantic ID among the distinct ones, zero-based, or -1; also -1 without an
/// index.</param>
public readonly record struct RankedExample(string UserId, string Target, int ItemRank, int SidRank);
