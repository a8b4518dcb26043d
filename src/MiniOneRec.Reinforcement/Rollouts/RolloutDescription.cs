namespace MiniOneRec.Reinforcement;

/// <summary>Describes a sampler, so that a run is resumed under the one that it began with.</summary>
internal static class RolloutDescription
{
    public static string Of(IRolloutSampler sampler) =>
        $"{sampler.Name} ({sampler.GetType().FullName}{(sampler.Settings.Length > 0 ? " " : "")}{sampler.Settings})";
}
