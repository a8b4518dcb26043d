namespace MiniOneRec.Reinforcement;

/// <summary>Draws completions of prompts from the policy, held to the catalogue.</summary>
/// <remarks>Called on one thread at a time, which may be a different one for each call.</remarks>
public interface IRolloutSampler
{
    /// <summary>Gets the name that logs and errors show.</summary>
    string Name { get; }

    /// <summary>Gets a text that distinguishes this sampler from others of its class, for example its temperature; empty where there is
    /// nothing.</summary>
    /// <remarks>A checkpoint is continued only by a run whose sampler has the same class, name and settings.</remarks>
    string Settings => "";

    /// <summary>Draws completions.</summary>
    /// <param name="request">Policy, catalogue, prompts and group size.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <returns>Exactly G completions per prompt, in the order of the prompts.</returns>
    IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default);
}
