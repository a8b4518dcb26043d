using System.ComponentModel.DataAnnotations;

namespace MiniOneRec.Reinforcement;

/// <summary>Specifies what the KL penalty pulls the policy towards.</summary>
public enum ReferenceKind
{
    /// <summary>A copy of the policy as training starts, or the model that the caller names.</summary>
    FrozenCopy,

    /// <summary>The policy itself with its low-rank adapters switched off; no second model in memory.</summary>
    AdapterOff,

    /// <summary>None: no KL is penalised or measured.</summary>
    None,
}

/// <summary>Configures the reference policy.</summary>
public sealed class ReferenceOptions
{
    /// <summary>Gets or sets where the reference comes from.</summary>
    /// <value>The default is <see cref="ReferenceKind.FrozenCopy"/>.</value>
    [EnumDataType(typeof(ReferenceKind))]
    public ReferenceKind Kind { get; set; } = ReferenceKind.FrozenCopy;

    /// <summary>Gets or sets after how many steps a copy moves towards the policy; 0 for never.</summary>
    /// <value>The default is 0.</value>
    [Range(0, int.MaxValue)]
    public int SyncEverySteps { get; set; }

    /// <summary>Gets or sets α of a move: reference ← α·policy + (1 − α)·reference.</summary>
    /// <value>The default is 0.6.</value>
    [Range(0.0, 1.0)]
    public double SyncMixing { get; set; } = 0.6;

    internal ReferenceOptions Copy() => (ReferenceOptions)MemberwiseClone();
}
